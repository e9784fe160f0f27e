# The module with the variables of uploads.auto.tfvars.json, which `manage.py cloud_resources` prints.

terraform {
  required_version = ">= 1.5"
}

variable "region" { type = string }
variable "bucket" { type = string }
variable "domains" { type = list(string) }
variable "block_public_access" { type = bool }
variable "cors_rules" { type = any }
variable "lifecycle_rules" { type = any }
variable "overwrite_rules" { type = any }
variable "site" {
  type    = any
  default = null
}
variable "browsers" {
  type    = any
  default = null
}

provider "alicloud" {
  region = var.region
}

module "uploads" {
  source              = "../"
  region              = var.region
  bucket              = var.bucket
  domains             = var.domains
  block_public_access = var.block_public_access
  cors_rules          = var.cors_rules
  lifecycle_rules     = var.lifecycle_rules
  overwrite_rules     = var.overwrite_rules
  site                = var.site
  browsers            = var.browsers
}

output "internal_endpoint" {
  value = module.uploads.internal_endpoint
}

output "browsers_role_arn" {
  value = module.uploads.browsers_role_arn
}

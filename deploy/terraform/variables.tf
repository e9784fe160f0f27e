# `manage.py cloud_resources` prints all of these but the last three for the settings of the site.

variable "region" {
  description = "The region's id. The provider must be configured for it."
  type        = string
}

variable "bucket" {
  description = "The bucket's name."
  type        = string
}

variable "domains" {
  description = "Custom domains of the bucket that browsers send parts to. Their DNS records point to the bucket."
  type        = list(string)
  default     = []
}

variable "cors_rules" {
  description = "The CORS rules of the bucket, in the order in which OSS applies them."
  type = list(object({
    allowed_origins = list(string)
    allowed_methods = list(string)
    allowed_headers = list(string)
    expose_headers  = list(string)
    max_age_seconds = number
  }))
}

variable "lifecycle_rules" {
  description = "By key prefix, the days after which OSS aborts a multipart upload, and deletes an object."
  type = list(object({
    id          = string
    prefix      = string
    abort_days  = optional(number)
    expire_days = optional(number)
  }))
  default = []
}

variable "block_public_access" {
  description = "Whether OSS refuses public ACLs. False only if a destination makes objects public."
  type        = bool
  default     = true
}

variable "overwrite_rules" {
  description = "Prefixes of keys whose objects nobody may replace."
  type = list(object({
    id     = string
    prefix = string
  }))
  default = []
}

variable "site" {
  description = "The RAM user or role of the site, and its policy. Null where another bucket's key is used."
  type = object({
    kind        = string
    name        = string
    policy_name = string
    policy      = string
  })
  default = null
  validation {
    condition     = var.site == null ? true : contains(["user", "role"], var.site.kind)
    error_message = "The kind is user or role."
  }
}

variable "browsers" {
  description = "The RAM role that browsers get temporary credentials of, and its policies. Null if none are issued."
  type = object({
    role_name           = string
    max_session_seconds = number
    trust               = string
    policy_name         = string
    policy              = string
  })
  default = null
}

variable "site_role_trust" {
  description = "The trust policy of the site's role, as JSON: for ECS or for a Kubernetes service account. Empty for a role that exists."
  type        = string
  default     = ""
}

variable "redundancy_type" {
  description = "ZRS keeps the objects in several zones of the region. It cannot be changed back to LRS."
  type        = string
  default     = "ZRS"
}

variable "tags" {
  description = "Tags of the bucket."
  type        = map(string)
  default     = {}
}

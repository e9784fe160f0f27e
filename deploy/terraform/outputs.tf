output "bucket" {
  description = "The bucket's name."
  value       = alicloud_oss_bucket.uploads.bucket
}

output "internal_endpoint" {
  description = "OSS_INTERNAL_ENDPOINT of a site inside Alibaba Cloud."
  value       = "https://${alicloud_oss_bucket.uploads.intranet_endpoint}"
}

output "browsers_role_arn" {
  description = "OSS_STS_ROLE_ARN; empty if no destination issues temporary credentials."
  value       = try(alicloud_ram_role.browsers[0].arn, "")
}

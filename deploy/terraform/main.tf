# The bucket of OSS Uploads, with its rules, domains and RAM policies.

resource "alicloud_oss_bucket" "uploads" {
  bucket          = var.bucket
  redundancy_type = var.redundancy_type
  tags            = var.tags

  dynamic "lifecycle_rule" {
    for_each = var.lifecycle_rules
    content {
      id      = lifecycle_rule.value.id
      prefix  = lifecycle_rule.value.prefix
      enabled = true

      dynamic "abort_multipart_upload" {
        for_each = lifecycle_rule.value.abort_days[*]
        content {
          days = abort_multipart_upload.value
        }
      }
      dynamic "expiration" {
        for_each = lifecycle_rule.value.expire_days[*]
        content {
          days = expiration.value
        }
      }
    }
  }

  lifecycle {
    prevent_destroy = true        # It holds the users' files.
    ignore_changes  = [cors_rule] # alicloud_oss_bucket_cors sets them.
  }
}

resource "alicloud_oss_bucket_public_access_block" "uploads" {
  bucket              = alicloud_oss_bucket.uploads.bucket
  block_public_access = var.block_public_access
}

resource "alicloud_oss_bucket_cors" "uploads" {
  bucket        = alicloud_oss_bucket.uploads.bucket
  response_vary = false

  dynamic "cors_rule" {
    for_each = var.cors_rules
    content {
      allowed_origins = cors_rule.value.allowed_origins
      allowed_methods = cors_rule.value.allowed_methods
      allowed_headers = cors_rule.value.allowed_headers
      expose_headers  = cors_rule.value.expose_headers
      max_age_seconds = cors_rule.value.max_age_seconds
    }
  }
}

resource "alicloud_oss_bucket_overwrite_config" "uploads" {
  count  = length(var.overwrite_rules) > 0 ? 1 : 0
  bucket = alicloud_oss_bucket.uploads.bucket

  dynamic "rule" {
    for_each = var.overwrite_rules
    content {
      id     = rule.value.id
      action = "forbid"
      prefix = rule.value.prefix
    }
  }
}

resource "alicloud_oss_bucket_cname" "uploads" {
  for_each = toset(var.domains)
  bucket   = alicloud_oss_bucket.uploads.bucket
  domain   = each.value

  lifecycle {
    ignore_changes = [certificate] # Certificates are renewed elsewhere.
  }
}

resource "alicloud_ram_user" "site" {
  count    = try(var.site.kind, "") == "user" ? 1 : 0
  name     = var.site.name
  comments = "OSS Uploads: the site"
}

resource "alicloud_ram_role" "site" {
  count                       = try(var.site.kind, "") == "role" && var.site_role_trust != "" ? 1 : 0
  role_name                   = var.site.name
  description                 = "OSS Uploads: the site"
  assume_role_policy_document = var.site_role_trust
}

resource "alicloud_ram_policy" "site" {
  count           = var.site != null ? 1 : 0
  policy_name     = var.site.policy_name
  policy_document = var.site.policy
}

resource "alicloud_ram_user_policy_attachment" "site" {
  count       = try(var.site.kind, "") == "user" ? 1 : 0
  policy_name = alicloud_ram_policy.site[0].policy_name
  policy_type = alicloud_ram_policy.site[0].type
  user_name   = alicloud_ram_user.site[0].name
}

resource "alicloud_ram_role_policy_attachment" "site" {
  count       = try(var.site.kind, "") == "role" ? 1 : 0
  policy_name = alicloud_ram_policy.site[0].policy_name
  policy_type = alicloud_ram_policy.site[0].type
  role_name   = var.site.name
  depends_on  = [alicloud_ram_role.site]
}

resource "alicloud_ram_role" "browsers" {
  count                       = var.browsers != null ? 1 : 0
  role_name                   = var.browsers.role_name
  description                 = "OSS Uploads: temporary credentials for browsers"
  assume_role_policy_document = var.browsers.trust
  max_session_duration        = var.browsers.max_session_seconds
  # RAM refuses a trust policy that names a user or role that does not exist.
  depends_on = [alicloud_ram_user.site, alicloud_ram_role.site]
}

resource "alicloud_ram_policy" "browsers" {
  count           = var.browsers != null ? 1 : 0
  policy_name     = var.browsers.policy_name
  policy_document = var.browsers.policy
}

resource "alicloud_ram_role_policy_attachment" "browsers" {
  count       = var.browsers != null ? 1 : 0
  policy_name = alicloud_ram_policy.browsers[0].policy_name
  policy_type = alicloud_ram_policy.browsers[0].type
  role_name   = alicloud_ram_role.browsers[0].role_name
}

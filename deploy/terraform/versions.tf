terraform {
  required_version = ">= 1.5"
  required_providers {
    alicloud = {
      source  = "aliyun/alicloud"
      version = ">= 1.271.0" # alicloud_oss_bucket_overwrite_config
    }
  }
}

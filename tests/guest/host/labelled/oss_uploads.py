from uploads.apps import UploadsConfig


class OssUploadsConfig(UploadsConfig):
    label = "oss_uploads"

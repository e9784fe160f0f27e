"""OSS Uploads: files of any size from a web page straight to Alibaba Cloud OSS.

The Django app signs, remembers and completes; it never touches the bytes.
"""

__version__ = "0.1.0"

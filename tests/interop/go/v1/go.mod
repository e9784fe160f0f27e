module ossuploads/interop/v1

go 1.21

require github.com/aliyun/aliyun-oss-go-sdk v3.0.2+incompatible

require golang.org/x/time v0.5.0 // indirect

// The vendor's Go SDK V2 against a local OSS. It prints what it saw as JSON.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
)

const partSize = 100 * 1024

var ctx = context.Background()

// The members that the test gives.
type options struct {
	Endpoint, Bucket, Region, AccessKeyId, AccessKeySecret, Folder string
	V4                                                             bool
}

// transport counts the parts that are sent, and fails from a part number on, as a broken connection does.
type transport struct {
	failFrom int
	parts    atomic.Int32
}

func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	number, err := strconv.Atoi(request.URL.Query().Get("partNumber"))
	if err == nil && request.Method == http.MethodPut {
		if t.failFrom > 0 && number >= t.failFrom {
			return nil, errors.New("the connection is broken")
		}
		t.parts.Add(1)
	}
	return http.DefaultTransport.RoundTrip(request)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func value[T any](given T, err error) T {
	must(err)
	return given
}

func code(err error) string {
	var refused *oss.ServiceError
	if errors.As(err, &refused) {
		return fmt.Sprintf("%d %s", refused.StatusCode, refused.Code)
	}
	return fmt.Sprint(err)
}

func open(given options, secret string, over *transport) *oss.Client {
	version := oss.SignatureVersionV1
	if given.V4 {
		version = oss.SignatureVersionV4
	}
	config := oss.LoadDefaultConfig().WithEndpoint(given.Endpoint).WithRegion(given.Region).
		WithCredentialsProvider(credentials.NewStaticCredentialsProvider(given.AccessKeyId, secret)).
		WithSignatureVersion(version).WithHttpClient(&http.Client{Transport: over}).WithRetryMaxAttempts(1)
	return oss.NewClient(config)
}

func text(client *oss.Client, bucket, key, byteRange string) string {
	request := &oss.GetObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr(key)}
	if byteRange != "" {
		request.Range = oss.Ptr(byteRange)
	}
	body := value(client.GetObject(ctx, request)).Body
	defer body.Close()
	return string(value(io.ReadAll(body)))
}

func objects(given options, client *oss.Client, seen map[string]any) {
	bucket, key := oss.Ptr(given.Bucket), given.Folder+"视频 a+b%(1).txt"
	value(client.PutObject(ctx, &oss.PutObjectRequest{Bucket: bucket, Key: oss.Ptr(key), Body: strings.NewReader("hello"),
		ContentType: oss.Ptr("text/plain"), Metadata: map[string]string{"uid": "7"}}))
	seen["get"] = text(client, given.Bucket, key, "")
	seen["range"] = text(client, given.Bucket, key, "bytes=1-3")
	head := value(client.HeadObject(ctx, &oss.HeadObjectRequest{Bucket: bucket, Key: oss.Ptr(key)}))
	seen["head"] = []any{head.ContentLength, oss.ToString(head.ContentType), head.Metadata["uid"]}
	_, err := client.GetObject(ctx, &oss.GetObjectRequest{Bucket: bucket, Key: oss.Ptr(given.Folder + "nothing")})
	seen["missing"] = code(err)
	copy := oss.Ptr(given.Folder + "copy.txt")
	value(client.CopyObject(ctx, &oss.CopyObjectRequest{Bucket: bucket, Key: copy, SourceKey: oss.Ptr(key)}))
	seen["copy"] = text(client, given.Bucket, *copy, "")
	value(client.PutObjectAcl(ctx, &oss.PutObjectAclRequest{Bucket: bucket, Key: oss.Ptr(key), Acl: oss.ObjectACLPublicRead}))
	seen["acl"] = oss.ToString(value(client.GetObjectAcl(ctx, &oss.GetObjectAclRequest{Bucket: bucket, Key: oss.Ptr(key)})).ACL)
	tags := &oss.Tagging{TagSet: &oss.TagSet{Tags: []oss.Tag{{Key: oss.Ptr("team"), Value: oss.Ptr("a b")}}}}
	value(client.PutObjectTagging(ctx, &oss.PutObjectTaggingRequest{Bucket: bucket, Key: oss.Ptr(key), Tagging: tags}))
	tagged := value(client.GetObjectTagging(ctx, &oss.GetObjectTaggingRequest{Bucket: bucket, Key: oss.Ptr(key)}))
	seen["tag"] = oss.ToString(tagged.Tags[0].Value)
}

// presigned sends requests by URLs, with no SDK in between, as a browser does.
func presigned(given options, client *oss.Client, seen map[string]any) {
	bucket, key := oss.Ptr(given.Bucket), oss.Ptr(given.Folder+"signed.txt")
	put := value(client.Presign(ctx, &oss.PutObjectRequest{Bucket: bucket, Key: key, ContentType: oss.Ptr("text/plain")},
		oss.PresignExpires(time.Minute)))
	send(put, "signed")
	get := value(client.Presign(ctx, &oss.GetObjectRequest{Bucket: bucket, Key: key}, oss.PresignExpires(time.Minute)))
	seen["signed"] = send(get, "")
}

func send(signed *oss.PresignResult, body string) string {
	request := value(http.NewRequest(signed.Method, signed.URL, strings.NewReader(body)))
	for name, text := range signed.SignedHeaders {
		request.Header.Set(name, text)
	}
	response := value(http.DefaultClient.Do(request))
	defer response.Body.Close()
	return string(value(io.ReadAll(response.Body)))
}

func multipart(given options, client *oss.Client, content []byte, seen map[string]any) {
	bucket, key := oss.Ptr(given.Bucket), oss.Ptr(given.Folder+"multipart.bin")
	initiate := &oss.InitiateMultipartUploadRequest{Bucket: bucket, Key: key, ContentType: oss.Ptr("video/mp4")}
	upload := value(client.InitiateMultipartUpload(ctx, initiate)).UploadId
	parts := make([]oss.UploadPart, 5)
	for number := 5; number >= 1; number-- {
		from := (number - 1) * partSize
		to := min(from+partSize, len(content))
		sent := value(client.UploadPart(ctx, &oss.UploadPartRequest{Bucket: bucket, Key: key, UploadId: upload,
			PartNumber: int32(number), Body: bytes.NewReader(content[from:to])}))
		parts[number-1] = oss.UploadPart{PartNumber: int32(number), ETag: sent.ETag}
	}
	open := value(client.ListMultipartUploads(ctx, &oss.ListMultipartUploadsRequest{Bucket: bucket, Prefix: oss.Ptr(given.Folder)}))
	seen["uploads"] = len(open.Uploads)
	listed := []any{}
	for pages := client.NewListPartsPaginator(&oss.ListPartsRequest{Bucket: bucket, Key: key, UploadId: upload, MaxParts: 2}); pages.HasNext(); {
		listed = append(listed, len(value(pages.NextPage(ctx)).Parts))
	}
	seen["parts"] = listed
	complete := &oss.CompleteMultipartUploadRequest{Bucket: bucket, Key: key, UploadId: upload,
		CompleteMultipartUpload: &oss.CompleteMultipartUpload{Parts: parts[:1]}}
	value(client.CompleteMultipartUpload(ctx, complete))
	seen["dropped"] = len(text(client, given.Bucket, *key, ""))
	_, err := client.CompleteMultipartUpload(ctx, complete)
	seen["again"] = code(err)
	other := value(client.InitiateMultipartUpload(ctx, initiate)).UploadId
	value(client.AbortMultipartUpload(ctx, &oss.AbortMultipartUploadRequest{Bucket: bucket, Key: key, UploadId: other}))
	_, err = client.UploadPart(ctx, &oss.UploadPartRequest{Bucket: bucket, Key: key, UploadId: other, PartNumber: 1,
		Body: bytes.NewReader(content[:partSize])})
	seen["aborted"] = code(err)
}

func resumable(given options, directory, path string, content []byte, seen map[string]any) {
	bucket, key := oss.Ptr(given.Bucket), oss.Ptr(given.Folder+"film.bin")
	checkpointed := func(parallel int) func(*oss.UploaderOptions) {
		return func(chosen *oss.UploaderOptions) {
			chosen.PartSize, chosen.ParallelNum = partSize, parallel
			chosen.EnableCheckpoint, chosen.CheckpointDir = true, directory+"/" // The SDK cuts off what follows the last slash.
		}
	}
	request := &oss.PutObjectRequest{Bucket: bucket, Key: key}
	broken := &transport{failFrom: 3}
	_, err := open(given, given.AccessKeySecret, broken).NewUploader().UploadFile(ctx, request, path, checkpointed(1))
	seen["stopped"] = []any{err != nil, len(value(filepath.Glob(directory + "/*.ucp"))), broken.parts.Load()}
	over := &transport{}
	client := open(given, given.AccessKeySecret, over)
	value(client.NewUploader().UploadFile(ctx, request, path, checkpointed(3)))
	left := len(value(filepath.Glob(directory + "/*.ucp")))
	seen["resumed"] = []any{over.parts.Load(), left, text(client, given.Bucket, *key, "") == string(content)}
	loaded := path + ".loaded"
	value(client.NewDownloader().DownloadFile(ctx, &oss.GetObjectRequest{Bucket: bucket, Key: key}, loaded,
		func(chosen *oss.DownloaderOptions) { chosen.PartSize, chosen.ParallelNum = partSize, 3 }))
	seen["downloaded"] = bytes.Equal(value(os.ReadFile(loaded)), content)
	copied := oss.Ptr(given.Folder + "copied.bin")
	value(client.NewCopier().Copy(ctx, &oss.CopyObjectRequest{Bucket: bucket, Key: copied, SourceKey: key},
		func(chosen *oss.CopierOptions) {
			chosen.PartSize, chosen.MultipartCopyThreshold, chosen.DisableShallowCopy = partSize, partSize, true
		}))
	seen["copied"] = text(client, given.Bucket, *copied, "") == string(content)
}

func lists(given options, client *oss.Client, seen map[string]any) {
	bucket, prefix := oss.Ptr(given.Bucket), oss.Ptr(given.Folder)
	var keys []string
	var all []oss.DeleteObject
	for pages := client.NewListObjectsV2Paginator(&oss.ListObjectsV2Request{Bucket: bucket, Prefix: prefix, MaxKeys: 2}); pages.HasNext(); {
		for _, object := range value(pages.NextPage(ctx)).Contents {
			keys = append(keys, (*object.Key)[len(given.Folder):])
			all = append(all, oss.DeleteObject{Key: object.Key})
		}
	}
	sort.Strings(keys)
	seen["keys"] = keys
	old := value(client.ListObjects(ctx, &oss.ListObjectsRequest{Bucket: bucket, Prefix: prefix, MaxKeys: 1}))
	seen["older list"] = []any{len(old.Contents), old.IsTruncated}
	deleted := value(client.DeleteMultipleObjects(ctx, &oss.DeleteMultipleObjectsRequest{Bucket: bucket, Objects: all}))
	seen["deleted"] = len(deleted.DeletedObjects)
	seen["exists"] = value(client.IsObjectExist(ctx, given.Bucket, given.Folder+"film.bin"))
}

func main() {
	var given options
	must(json.Unmarshal([]byte(os.Args[1]), &given))
	content := make([]byte, 4*partSize+11)
	rand.New(rand.NewSource(7)).Read(content)
	directory := value(os.MkdirTemp("", "interop"))
	defer os.RemoveAll(directory)
	path := filepath.Join(directory, "film.bin")
	must(os.WriteFile(path, content, 0o600))
	client, seen := open(given, given.AccessKeySecret, &transport{}), map[string]any{}
	objects(given, client, seen)
	presigned(given, client, seen)
	multipart(given, client, content, seen)
	resumable(given, directory, path, content, seen)
	lists(given, client, seen)
	_, err := open(given, "wrong", &transport{}).PutObject(ctx, &oss.PutObjectRequest{Bucket: oss.Ptr(given.Bucket),
		Key: oss.Ptr(given.Folder + "a")})
	seen["wrong secret"] = code(err)
	must(json.NewEncoder(os.Stdout).Encode(seen))
}

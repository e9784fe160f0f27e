// The vendor's Go SDK V1 against a local OSS. It prints what it saw as JSON.
package main

import (
	"bytes"
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
	"sync/atomic"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

const partSize = 100 * 1024

// The members that the test gives.
type options struct {
	Endpoint, Bucket, Region, AccessKeyId, AccessKeySecret, Folder string
	V4                                                             bool
}

// transport counts the parts that are sent, and fails from a part number on, as a broken connection does, once the SDK has
// recorded the parts before it. The SDK looks at results and errors in any order, and records nothing after an error.
type transport struct {
	failFrom   int
	checkpoint string
	parts      atomic.Int32
}

func (t *transport) waitForRecords() {
	for {
		recorded, _ := os.ReadFile(t.checkpoint)
		if bytes.Count(recorded, []byte(`"IsCompleted":true`)) >= t.failFrom-1 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	number, err := strconv.Atoi(request.URL.Query().Get("partNumber"))
	if err == nil && request.Method == http.MethodPut {
		if t.failFrom > 0 && number >= t.failFrom {
			t.waitForRecords()
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
	var refused oss.ServiceError
	if errors.As(err, &refused) {
		return fmt.Sprintf("%d %s", refused.StatusCode, refused.Code)
	}
	return fmt.Sprint(err)
}

func open(given options, secret string, over *transport) *oss.Bucket {
	version := oss.AuthV1
	if given.V4 {
		version = oss.AuthV4
	}
	client := value(oss.New(given.Endpoint, given.AccessKeyId, secret,
		oss.AuthVersion(version), oss.Region(given.Region), oss.HTTPClient(&http.Client{Transport: over})))
	return value(client.Bucket(given.Bucket))
}

func text(bucket *oss.Bucket, key string, more ...oss.Option) string {
	body := value(bucket.GetObject(key, more...))
	defer body.Close()
	return string(value(io.ReadAll(body)))
}

func objects(given options, bucket *oss.Bucket, seen map[string]any) {
	key := given.Folder + "视频 a+b%(1).txt"
	must(bucket.PutObject(key, bytes.NewReader([]byte("hello")), oss.ContentType("text/plain"), oss.Meta("uid", "7")))
	seen["get"] = text(bucket, key)
	seen["range"] = text(bucket, key, oss.Range(1, 3))
	head := value(bucket.GetObjectDetailedMeta(key))
	seen["head"] = []string{head.Get("Content-Length"), head.Get("Content-Type"), head.Get("X-Oss-Meta-Uid")}
	_, err := bucket.GetObject(given.Folder + "nothing")
	seen["missing"] = code(err)
	// The SDK writes a space of a source as "+". Whether OSS reads that as a space is unknown: this key has none.
	must(bucket.PutObject(given.Folder+"视频b%(1).txt", bytes.NewReader([]byte("source"))))
	_, err = bucket.CopyObject(given.Folder+"视频b%(1).txt", given.Folder+"copy.txt")
	must(err)
	seen["copy"] = text(bucket, given.Folder+"copy.txt")
	must(bucket.SetObjectACL(key, oss.ACLPublicRead))
	seen["acl"] = value(bucket.GetObjectACL(key)).ACL
	must(bucket.PutObjectTagging(key, oss.Tagging{Tags: []oss.Tag{{Key: "team", Value: "a b"}}}))
	seen["tag"] = value(bucket.GetObjectTagging(key)).Tags[0].Value
	put := value(bucket.SignURL(given.Folder+"signed.txt", oss.HTTPPut, 60, oss.ContentType("text/plain")))
	must(bucket.PutObjectWithURL(put, bytes.NewReader([]byte("signed")), oss.ContentType("text/plain")))
	get := value(bucket.SignURL(given.Folder+"signed.txt", oss.HTTPGet, 60))
	body := value(bucket.GetObjectWithURL(get))
	seen["signed"] = string(value(io.ReadAll(body)))
	body.Close()
}

func multipart(given options, bucket *oss.Bucket, content []byte, seen map[string]any) {
	key := given.Folder + "multipart.bin"
	upload := value(bucket.InitiateMultipartUpload(key, oss.ContentType("video/mp4")))
	var parts []oss.UploadPart
	for number := 5; number >= 1; number-- {
		from := (number - 1) * partSize
		to := min(from+partSize, len(content))
		parts = append(parts, value(bucket.UploadPart(upload, bytes.NewReader(content[from:to]), int64(to-from), number)))
	}
	open := value(bucket.ListMultipartUploads(oss.Prefix(given.Folder)))
	seen["uploads"] = len(open.Uploads)
	page := value(bucket.ListUploadedParts(upload, oss.MaxParts(2)))
	rest := value(bucket.ListUploadedParts(upload, oss.PartNumberMarker(2)))
	seen["parts"] = []any{len(page.UploadedParts), page.IsTruncated, page.NextPartNumberMarker, len(rest.UploadedParts)}
	_, err := bucket.CompleteMultipartUpload(upload, parts[:1], oss.ForbidOverWrite(false))
	must(err)
	seen["dropped"] = len(text(bucket, key))
	_, err = bucket.CompleteMultipartUpload(upload, parts)
	seen["again"] = code(err)
	other := value(bucket.InitiateMultipartUpload(key))
	must(bucket.AbortMultipartUpload(other))
	_, err = bucket.UploadPart(other, bytes.NewReader(content[:partSize]), partSize, 1)
	seen["aborted"] = code(err)
}

func resumable(given options, path string, content []byte, seen map[string]any) {
	key, checkpoint := given.Folder+"film.bin", path+".cp"
	broken := &transport{failFrom: 3, checkpoint: checkpoint}
	err := open(given, given.AccessKeySecret, broken).UploadFile(key, path, partSize, oss.Checkpoint(true, checkpoint))
	_, missing := os.Stat(checkpoint)
	seen["stopped"] = []any{err != nil, missing == nil, broken.parts.Load()}
	over := &transport{}
	bucket := open(given, given.AccessKeySecret, over)
	must(bucket.UploadFile(key, path, partSize, oss.Routines(3), oss.Checkpoint(true, checkpoint)))
	_, missing = os.Stat(checkpoint)
	seen["resumed"] = []any{over.parts.Load(), os.IsNotExist(missing), text(bucket, key) == string(content)}
	loaded := path + ".loaded"
	must(bucket.DownloadFile(key, loaded, partSize, oss.Routines(3), oss.Checkpoint(true, checkpoint)))
	seen["downloaded"] = bytes.Equal(value(os.ReadFile(loaded)), content)
	must(bucket.CopyFile(given.Bucket, key, given.Folder+"copied.bin", partSize, oss.Routines(3)))
	seen["copied"] = text(bucket, given.Folder+"copied.bin") == string(content)
}

func lists(given options, bucket *oss.Bucket, seen map[string]any) {
	var keys []string
	token := ""
	for {
		page := value(bucket.ListObjectsV2(oss.Prefix(given.Folder), oss.MaxKeys(2), oss.ContinuationToken(token)))
		for _, object := range page.Objects {
			keys = append(keys, object.Key[len(given.Folder):])
		}
		if token = page.NextContinuationToken; !page.IsTruncated {
			break
		}
	}
	sort.Strings(keys)
	seen["keys"] = keys
	old := value(bucket.ListObjects(oss.Prefix(given.Folder), oss.MaxKeys(1)))
	seen["older list"] = []any{len(old.Objects), old.IsTruncated}
	var all []string
	for _, key := range keys {
		all = append(all, given.Folder+key)
	}
	seen["deleted"] = len(value(bucket.DeleteObjects(all)).DeletedObjects)
	exists := value(bucket.IsObjectExist(given.Folder + "film.bin"))
	seen["exists"] = exists
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
	bucket, seen := open(given, given.AccessKeySecret, &transport{}), map[string]any{}
	objects(given, bucket, seen)
	multipart(given, bucket, content, seen)
	resumable(given, path, content, seen)
	lists(given, bucket, seen)
	seen["wrong secret"] = code(open(given, "wrong", &transport{}).PutObject(given.Folder+"a", bytes.NewReader(nil)))
	must(json.NewEncoder(os.Stdout).Encode(seen))
}

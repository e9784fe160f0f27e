// The vendor's Java SDK V2 against a local OSS, with each signature version in turn. It prints what it saw as JSON.

import com.aliyun.sdk.service.oss2.OSSClient;
import com.aliyun.sdk.service.oss2.PresignOptions;
import com.aliyun.sdk.service.oss2.credentials.StaticCredentialsProvider;
import com.aliyun.sdk.service.oss2.exceptions.ServiceException;
import com.aliyun.sdk.service.oss2.models.*;
import com.aliyun.sdk.service.oss2.retry.NopRetryer;
import com.aliyun.sdk.service.oss2.transfermanager.*;
import com.aliyun.sdk.service.oss2.transport.*;
import com.aliyun.sdk.service.oss2.transport.apache5client.Apache5HttpClientBuilder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Interop {
    static final int PART = 100 * 1024;
    static final Pattern NUMBER = Pattern.compile("[?&]partNumber=(\\d+)");

    final JsonNode given;
    final String bucket;
    final String folder;
    final byte[] content = new byte[4 * PART + 11];
    final Map<String, Object> seen = new TreeMap<>();

    Interop(JsonNode given, String version) {
        this.given = given;
        this.bucket = given.get("Bucket").asText();
        this.folder = given.get("Folder").asText() + version + "/";
        new Random(7).nextBytes(content);
    }

    /** Counts the parts that are sent, and fails from a part number on, as a broken connection does. */
    static class Counting implements HttpClient {
        final HttpClient inner = Apache5HttpClientBuilder.create().options(HttpClientOptions.custom().build()).build();
        final AtomicInteger parts = new AtomicInteger();
        final int failFrom;

        Counting(int failFrom) {
            this.failFrom = failFrom;
        }

        @Override
        public ResponseMessage send(RequestMessage request, RequestContext context) {
            Matcher number = NUMBER.matcher(request.uri().toString());
            if (request.method().equals("PUT") && number.find()) {
                if (failFrom > 0 && Integer.parseInt(number.group(1)) >= failFrom) {
                    throw new RequestException("the connection is broken");
                }
                parts.incrementAndGet();
            }
            return inner.send(request, context);
        }
    }

    OSSClient open(String version, String secret, HttpClient http) {
        return OSSClient.newBuilder()
            .endpoint(given.get("Endpoint").asText()).region(given.get("Region").asText()).usePathStyle(true)
            .credentialsProvider(new StaticCredentialsProvider(given.get("AccessKeyId").asText(), secret))
            .signatureVersion(version).retryer(new NopRetryer()).httpClient(http).build();
    }

    static String code(Callable<?> call) throws Exception {
        try {
            call.call();
            return "accepted";
        } catch (RuntimeException error) {
            ServiceException refused = ServiceException.asCause(error);
            if (refused == null) {
                throw error;
            }
            return refused.statusCode() + " " + refused.errorCode();
        }
    }

    byte[] read(OSSClient client, String key, String range) throws Exception {
        GetObjectRequest.Builder request = GetObjectRequest.newBuilder().bucket(bucket).key(key);
        if (range != null) {
            request.range(range);
        }
        try (GetObjectResult found = client.getObject(request.build()); InputStream body = found.body()) {
            return body.readAllBytes();
        }
    }

    void objects(OSSClient client) throws Exception {
        String key = folder + "视频 a+b%(1).txt";
        client.putObject(PutObjectRequest.newBuilder().bucket(bucket).key(key).body(BinaryData.fromString("hello"))
            .contentType("text/plain").metadata(Map.of("uid", "7")).build());
        seen.put("get", new String(read(client, key, null)));
        seen.put("range", new String(read(client, key, "bytes=1-3")));
        HeadObjectResult head = client.headObject(HeadObjectRequest.newBuilder().bucket(bucket).key(key).build());
        seen.put("head", List.of(head.contentLength(), head.contentType(), head.metadata().get("uid")));
        seen.put("missing", code(() -> read(client, folder + "nothing", null)));
        client.copyObject(CopyObjectRequest.newBuilder().bucket(bucket).key(folder + "copy.txt").sourceKey(key).build());
        seen.put("copy", new String(read(client, folder + "copy.txt", null)));
        client.putObjectAcl(PutObjectAclRequest.newBuilder().bucket(bucket).key(key).objectAcl("public-read").build());
        seen.put("acl", client.getObjectAcl(GetObjectAclRequest.newBuilder().bucket(bucket).key(key).build())
            .accessControlPolicy().accessControlList().grant());
        Tagging tags = Tagging.newBuilder().tagSet(TagSet.newBuilder().tags(
            List.of(Tag.newBuilder().key("team").value("a b").build())).build()).build();
        client.putObjectTagging(PutObjectTaggingRequest.newBuilder().bucket(bucket).key(key).tagging(tags).build());
        seen.put("tag", client.getObjectTagging(GetObjectTaggingRequest.newBuilder().bucket(bucket).key(key).build())
            .tagging().tagSet().tags().get(0).value());
    }

    /** Requests by URLs, with no SDK in between, as a browser sends them. */
    void presigned(OSSClient client) throws Exception {
        PresignOptions minute = PresignOptions.newBuilder().expiration(Duration.ofMinutes(1)).build();
        String key = folder + "signed.txt";
        send(client.presign(PutObjectRequest.newBuilder().bucket(bucket).key(key).contentType("text/plain").build(), minute),
            "signed");
        seen.put("signed", send(client.presign(GetObjectRequest.newBuilder().bucket(bucket).key(key).build(), minute), null));
    }

    static String send(PresignResult signed, String body) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) URI.create(signed.url()).toURL().openConnection();
        connection.setRequestMethod(signed.method());
        signed.signedHeaders().orElse(Map.of()).forEach(connection::setRequestProperty);
        if (body != null) {
            connection.setDoOutput(true);
            connection.getOutputStream().write(body.getBytes());
        }
        try (InputStream answer = connection.getInputStream()) {
            return new String(answer.readAllBytes());
        }
    }

    void multipart(OSSClient client) throws Exception {
        String key = folder + "multipart.bin";
        InitiateMultipartUploadRequest initiate = InitiateMultipartUploadRequest.newBuilder().bucket(bucket).key(key)
            .contentType("video/mp4").build();
        String upload = client.initiateMultipartUpload(initiate).initiateMultipartUpload().uploadId();
        LinkedList<Part> parts = new LinkedList<>();
        for (int number = 5; number >= 1; number--) {
            String etag = part(client, key, upload, number).eTag();
            parts.addFirst(Part.newBuilder().partNumber((long) number).eTag(etag).build());
        }
        seen.put("uploads", client.listMultipartUploads(ListMultipartUploadsRequest.newBuilder().bucket(bucket)
            .prefix(folder).build()).uploads().size());
        List<Integer> pages = new ArrayList<>();
        for (ListPartsResult page : client.listPartsPaginator(ListPartsRequest.newBuilder().bucket(bucket).key(key)
            .uploadId(upload).maxParts(2L).build())) {
            pages.add(page.parts().size());
        }
        seen.put("parts", pages);
        CompleteMultipartUploadRequest complete = CompleteMultipartUploadRequest.newBuilder().bucket(bucket).key(key)
            .uploadId(upload).completeMultipartUpload(CompleteMultipartUpload.newBuilder().parts(parts.subList(0, 1)).build())
            .build();
        client.completeMultipartUpload(complete);
        seen.put("dropped", read(client, key, null).length);
        seen.put("again", code(() -> client.completeMultipartUpload(complete)));
        String other = client.initiateMultipartUpload(initiate).initiateMultipartUpload().uploadId();
        client.abortMultipartUpload(AbortMultipartUploadRequest.newBuilder().bucket(bucket).key(key).uploadId(other).build());
        seen.put("aborted", code(() -> part(client, key, other, 1)));
    }

    UploadPartResult part(OSSClient client, String key, String upload, int number) {
        byte[] piece = Arrays.copyOfRange(content, (number - 1) * PART, Math.min(number * PART, content.length));
        return client.uploadPart(UploadPartRequest.newBuilder().bucket(bucket).key(key).uploadId(upload)
            .partNumber((long) number).body(BinaryData.fromBytes(piece)).build());
    }

    void resumable(String version, Path directory) throws Exception {
        Path path = directory.resolve("film.bin");
        Files.write(path, content);
        PutObjectRequest request = PutObjectRequest.newBuilder().bucket(bucket).key(folder + "film.bin").build();
        UploaderOptions.Builder options = new UploaderOptions.Builder().partSize(PART).enableCheckpoint(true)
            .checkpointDir(directory.toString());
        Counting broken = new Counting(3);
        String stopped = "";
        try {
            new Uploader(open(version, secret(), broken)).uploadFile(request, path.toString(), options.parallelNum(1).build());
        } catch (UploadError error) {
            stopped = "UploadError";
        }
        seen.put("stopped", List.of(stopped, checkpoints(directory), broken.parts.get()));
        Counting counting = new Counting(0);
        OSSClient client = open(version, secret(), counting);
        new Uploader(client).uploadFile(request, path.toString(), options.parallelNum(3).build());
        seen.put("resumed", List.of(counting.parts.get(), checkpoints(directory),
            Arrays.equals(read(client, folder + "film.bin", null), content)));
        Path loaded = directory.resolve("loaded.bin");
        new Downloader(client).downloadFile(GetObjectRequest.newBuilder().bucket(bucket).key(folder + "film.bin").build(),
            loaded.toString(), new DownloaderOptions.Builder().partSize(PART).parallelNum(3).build());
        seen.put("downloaded", Arrays.equals(Files.readAllBytes(loaded), content));
        new Copier(client).copy(CopyObjectRequest.newBuilder().bucket(bucket).key(folder + "copied.bin")
            .sourceKey(folder + "film.bin").build(), new CopierOptions.Builder().partSize(PART).parallelNum(3)
            .multipartCopyThreshold(PART).disableShallowCopy(true).build());
        seen.put("copied", Arrays.equals(read(client, folder + "copied.bin", null), content));
        client.close();
    }

    String secret() {
        return given.get("AccessKeySecret").asText();
    }

    static int checkpoints(Path directory) {
        return directory.toFile().listFiles((folder, name) -> name.endsWith(".ucp")).length;
    }

    void lists(OSSClient client) {
        List<String> keys = new ArrayList<>();
        List<DeleteObject> all = new ArrayList<>();
        for (ListObjectsV2Result page : client.listObjectsV2Paginator(ListObjectsV2Request.newBuilder().bucket(bucket)
            .prefix(folder).maxKeys(2L).build())) {
            for (ObjectSummary object : page.contents()) {
                keys.add(object.key().substring(folder.length()));
                all.add(DeleteObject.newBuilder().key(object.key()).build());
            }
        }
        Collections.sort(keys);
        seen.put("keys", keys);
        ListObjectsResult old = client.listObjects(ListObjectsRequest.newBuilder().bucket(bucket).prefix(folder).maxKeys(1L)
            .build());
        seen.put("older list", List.of(old.contents().size(), old.isTruncated()));
        seen.put("deleted", client.deleteMultipleObjects(DeleteMultipleObjectsRequest.newBuilder().bucket(bucket)
            .deleteObjects(all).build()).deletedObjects().size());
        seen.put("exists", client.doesObjectExist(bucket, folder + "film.bin"));
    }

    Map<String, Object> run(String version) throws Exception {
        Path directory = Files.createTempDirectory("interop");
        try (OSSClient client = open(version, secret(), new Counting(0)); OSSClient wrong = open(version, "wrong", new Counting(0))) {
            objects(client);
            presigned(client);
            multipart(client);
            resumable(version, directory);
            lists(client);
            seen.put("wrong secret", code(() -> wrong.putObject(PutObjectRequest.newBuilder().bucket(bucket)
                .key(folder + "a").body(BinaryData.fromString("")).build())));
        } finally {
            try (var files = Files.walk(directory)) {
                files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
            }
        }
        return seen;
    }

    public static void main(String[] arguments) throws Exception {
        ObjectMapper json = new ObjectMapper();
        JsonNode given = json.readTree(arguments[0]);
        Map<String, Object> all = new TreeMap<>();
        for (String version : List.of("v1", "v4")) {
            all.put(version, new Interop(given, version).run(version));
        }
        System.out.println(json.writeValueAsString(all));
        System.exit(0);
    }
}

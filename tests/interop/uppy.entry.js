// Uppy as its own package has it, for a page: bundled by the test that drives it.
import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";

window.Uppy = Uppy;
window.AwsS3 = AwsS3;

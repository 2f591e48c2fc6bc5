import type { EmulatorApp } from "./conditional-writes.ts";

/**
 * fauxqs ignores the headers that a link may ask S3 for, and without this one a browser shows a picture instead of saving it.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#AmazonS3-GetObject-request-querystring-ResponseContentDisposition
 */
export function overrideResponseHeaders(app: EmulatorApp): void {
  app.addHook("onSend", async (request, reply) => {
    const disposition = new URL(request.url, "http://localhost").searchParams.get(
      "response-content-disposition",
    );
    if (disposition !== null && reply.statusCode === 200) reply.header("content-disposition", disposition);
  });
}

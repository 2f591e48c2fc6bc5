import { z } from "zod";

/**
 * Each text of the settings. Terraform evaluates `${…}` and `%{…}` wherever they are in its configuration, and cdktf
 * replaces `#{…}` and `&{…}`; quotes, backslashes and control characters can end the text around a value. No setting
 * needs any of them, so they are refused, not escaped.
 * https://developer.hashicorp.com/terraform/language/expressions/strings
 */
export function text(missing: string) {
  const error = ({ input }: { readonly input?: unknown }) =>
    input === undefined ? `is missing. Give ${missing}` : `must be a text. Give ${missing}`;
  return z.string({ error }).regex(/^[^{}"\\\p{C}\p{Zl}\p{Zp}]*$/u, {
    error:
      'must not have { } " \\ or a control character, which Terraform could take for an expression. Remove them',
    abort: true,
  });
}

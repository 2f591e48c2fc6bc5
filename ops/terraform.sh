#!/bin/sh
# cdktf starts this as Terraform, in a terminal of its own that no Ctrl-C reaches. The process id says where to send it.
echo $$ >"$TERRAFORM_PID"
exec "$TERRAFORM" "$@"

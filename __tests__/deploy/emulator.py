"""moto's server, with two gaps of its SQS closed. Arguments: as for moto_server."""

import sys

from moto.server import main
from moto.sqs.models import Queue

# moto drops this attribute; Terraform then waits for ever to read back what it has set.
Queue.BASE_ATTRIBUTES = [*Queue.BASE_ATTRIBUTES, "RedriveAllowPolicy"]
Queue.redrive_allow_policy = None

set_attributes = Queue._set_attributes


def set_some_attributes(queue, attributes, now=None):
    """moto forgets the policy when any other attribute is set."""
    set_attributes(queue, {"Policy": getattr(queue, "policy", None), **attributes}, now)


Queue._set_attributes = set_some_attributes

main(sys.argv[1:])

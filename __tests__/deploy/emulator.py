"""moto's server, with what a real AWS does and moto 5.2.1 does not. Arguments: as for moto_server."""

import json
import sys

from moto.awslambda.models import LambdaFunction
from moto.awslambda.responses import LambdaResponse
from moto.awslambda.urls import url_paths as lambda_paths
from moto.bedrock.urls import url_paths as bedrock_paths
from moto.iam.access_control import IAMPolicyStatement, IAMRequestBase, PermissionResult
from moto.s3.responses import ACTION_MAP
from moto.server import main
from moto.sns.models import SNSBackend
from moto.sqs.models import Queue

# moto drops this attribute; Terraform then waits for ever to read back what it has set.
Queue.BASE_ATTRIBUTES = [*Queue.BASE_ATTRIBUTES, "RedriveAllowPolicy"]
Queue.redrive_allow_policy = None

subscribe = SNSBackend.subscribe


def subscribe_unconfirmed(topics, topic_arn, endpoint, protocol):
    """moto confirms e-mail by itself; AWS waits for a click."""
    subscription = subscribe(topics, topic_arn, endpoint, protocol)
    subscription.attributes["PendingConfirmation"] = protocol == "email"
    return subscription


SNSBackend.subscribe = subscribe_unconfirmed

set_attributes = Queue._set_attributes
get_attributes = Queue.attributes.fget


def set_some_attributes(queue, attributes, now=None):
    """moto forgets the policy when any other attribute is set."""
    set_attributes(queue, {"Policy": getattr(queue, "policy", None), **attributes}, now)


def attributes_as_written(queue):
    """moto writes the redrive policy anew, with blanks that show as a change in every plan."""
    result = get_attributes(queue)
    # AWS has no attribute that is empty; Terraform waits for one that it has taken away to be gone.
    if not result["RedriveAllowPolicy"]:
        del result["RedriveAllowPolicy"]
    if queue.redrive_policy:
        result["RedrivePolicy"] = json.dumps(queue.redrive_policy, separators=(",", ":"))
    return result


Queue._set_attributes = set_some_attributes
Queue.attributes = property(attributes_as_written)



def account_settings(request, url, headers):
    """moto does not know how many functions an account runs at once: those of an old account."""
    limits = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
    return 200, {"Content-Type": "application/json"}, json.dumps({"AccountLimit": limits})



def model_agreed(request, url, headers):
    """moto knows no agreements with the providers of models: they are all made."""
    return 200, {"Content-Type": "application/json"}, json.dumps({"agreementAvailability": {"status": "AVAILABLE"}})


bedrock_paths["{0}/foundation-model-availability/(?P<id>[^/]+)$"] = model_agreed
lambda_paths["{0}/2016-08-19/account-settings/?$"] = account_settings

init_function = LambdaFunction.__init__
update_function = LambdaFunction.update_configuration
get_configuration = LambdaFunction.get_configuration


def init_with_logging(function, **arguments):
    """moto drops the logging configuration, which shows as a change in every plan."""
    function.logging_config = arguments["spec"].get("LoggingConfig")
    init_function(function, **arguments)


def update_with_logging(function, config_updates):
    function.logging_config = config_updates.get("LoggingConfig", function.logging_config)
    return update_function(function, config_updates)


def configuration_with_logging(function, *args, **kwargs):
    return {**get_configuration(function, *args, **kwargs), "LoggingConfig": function.logging_config}


LambdaFunction.__init__ = init_with_logging
LambdaFunction.update_configuration = update_with_logging
LambdaFunction.get_configuration = configuration_with_logging

# moto does not know whether a function may call itself in a loop; what is not said is "Terminate".
# https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionRecursionConfig.html
recursive_loops = {}


def get_recursion_config(response):
    name = response.path.split("/")[-2]
    return json.dumps({"RecursiveLoop": recursive_loops.get(name, "Terminate")})


def put_recursion_config(response):
    recursive_loops[response.path.split("/")[-2]] = json.loads(response.body)["RecursiveLoop"]
    return get_recursion_config(response)


LambdaResponse.get_function_recursion_config = get_recursion_config
LambdaResponse.put_function_recursion_config = put_recursion_config
lambda_paths[
    r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)/recursion-config$"
] = LambdaResponse.dispatch

# moto takes requests it has no name for as CreateBucket or ListBucket, and has one name that AWS has not.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
ACTION_MAP["BUCKET"]["HEAD"]["DEFAULT"] = "ListBucket"
ACTION_MAP["BUCKET"]["GET"].update(
    {
        "encryption": "GetEncryptionConfiguration",
        "object-lock": "GetBucketObjectLockConfiguration",
        "ownershipControls": "GetBucketOwnershipControls",
        "publicAccessBlock": "GetBucketPublicAccessBlock",
        "replication": "GetReplicationConfiguration",
        "requestPayment": "GetBucketRequestPayment",
    }
)
for method in ("PUT", "DELETE"):
    ACTION_MAP["BUCKET"][method].update(
        {
            "encryption": "PutEncryptionConfiguration",
            "ownershipControls": "PutBucketOwnershipControls",
            "publicAccessBlock": "PutBucketPublicAccessBlock",
        }
    )

init_request = IAMRequestBase.__init__


def init_with_names_of_iam(request, **arguments):
    """moto takes the service's name from its address, and the operation's where API Gateway has its HTTP method."""
    init_request(request, **arguments)
    service, action = request._action.split(":")
    if service == "monitoring":
        request._action = f"cloudwatch:{action}"
    if service == "s3" and action == "DeleteObject" and arguments["method"] == "POST":
        # DeleteObjects: Terraform names the version of each object.
        request._action = "s3:DeleteObjectVersion"
    if service == "apigateway":
        request._action = f"apigateway:{arguments['method']}"


IAMRequestBase.__init__ = init_with_names_of_iam

check_element = IAMPolicyStatement._check_element_matches


def check_actions_only(statement, element, value):
    """moto does not know which resource most requests are about: what it can enforce is the actions."""
    return element == "Resource" or check_element(statement, element, value)


is_action_permitted = IAMPolicyStatement.is_action_permitted


def is_action_permitted_over_tls(statement, *args, **kwargs):
    """moto listens without TLS, and would be told by every policy to refuse whoever comes."""
    if statement._statement.get("Sid") == "TlsOnly":
        return PermissionResult.NEUTRAL
    return is_action_permitted(statement, *args, **kwargs)


IAMPolicyStatement._check_element_matches = check_actions_only
IAMPolicyStatement.is_action_permitted = is_action_permitted_over_tls
# It computes another signature than AWS for a query such as the S3 backend's `prefix=env:/`.
IAMRequestBase.check_signature = lambda request: None
# It does not know the values of most conditions either, and then refuses.
IAMPolicyStatement._check_conditions = lambda statement, values: True

main(sys.argv[1:])

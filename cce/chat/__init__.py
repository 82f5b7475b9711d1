"""Chat: models answer questions, and judges grade, compare and pick what they answered.

Models are named as `LLM` takes them. Functions that ask them raise BadInput before any request is sent, EndpointFailed
where an endpoint is of no use, and ResultsMissing where single calls failed for good, after all others.
"""

from redis.exceptions import RedisError

# What a channel layer raises while Redis does not answer.
CHANNEL_LAYER_ERRORS = (RedisError, OSError, TimeoutError)

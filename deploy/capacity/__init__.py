"""How many processes, cores and shards a number of connections needs, from costs that were measured."""

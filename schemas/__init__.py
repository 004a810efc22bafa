"""The only language between services: vocabulary, envelope, facts, topics, codec, refusals and the shape of a city.

Nothing here touches a clock, a network or a database. Services never import each other; they share this package.
"""

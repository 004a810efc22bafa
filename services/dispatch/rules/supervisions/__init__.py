"""Supervisions 督办: opened by the ladder or by hand, answered, accepted or sent back, cleared with their cause.

`model` what one is · `parties` whom it reaches and who stands over whom · `climbing` what the ladder says ·
`showing` how the API shows one. What people do is in `acts/supervising`.
"""

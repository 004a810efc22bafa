"""Special cases (专项, 类案): what may be done to them and to what units commit to, and what comes of it.

`table` says who may do what in which state · `bodies` what must be said · `acts` what comes of it · `evolve` folds ·
`book` holds a transaction's cases · `showing` is how the API shows them.
"""

"""The bare pipeline: the same hops, rows and transactions as ours with no logic in them.

Three processes on the same seam and engines (router on the stream engine; dispatch and supervision on the batch loop).
Each handler writes the rows and the facts that our services wrote for a real report (`templates`), under new ids. Kept:
decoding, inbox, the same number of advisory locks, look-ups by id, COPY and INSERT statements, outbox, relay, Ticks,
the landing of facts in matters and of clocks in dispatch. Left out: deciding anything, the look for candidates to merge
with, the sweep of timers, people.
"""

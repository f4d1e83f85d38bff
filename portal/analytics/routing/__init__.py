"""Who will answer: a small model that learns online from who did.

Pure Python on plain values, so that the very same code ranks inside a web request, in a worker and in a replay of
years. `memory` holds what is known of each helper, `features` turns that into numbers, `model` scores and
learns, `router` walks through time, `spread` shares the load, `words` says why in words.
"""

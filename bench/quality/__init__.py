"""How good pictures look: painted, measured, and judged blind, by one protocol.

Pairs of photos and paintings are fixed before anything is tuned (`pairs`). Systems
paint them (`systems`, `painters`, `paint`). What is saved is read back and measured in
networks that no style was optimised in (`eyes`, `yardstick`, `score`), the numbers are
compared pair by pair (`verdict`, `strengths`, `report`), and people, or whoever hasn't
seen the code, choose between unnamed pictures (`sheets`, `judge`).
"""

-- title: Every type
-- about: One of each,
-- about: with defaults.
-- A comment for people.
-- parameter: a text = null  A text
-- parameter: b integer = 20  A whole number
-- parameter: c number = 0.5  A number
-- parameter: d boolean = true  Yes or no
-- parameter: e date = 2024-02-29  A day
-- parameter: f timestamp = 2024-02-29T12:30  A time
-- column: n integer  Rows

SELECT $b AS n

"""The programme: who brought whom, what that is worth, and what is said about it.

The words, one for each idea:

customer      a person the programme knows
ambassador    a customer with a link
friend        who is invited by an ambassador
click         one visit through a link
code          what names an ambassador, in a link or spoken
referral      the pair of ambassador and friend
attribution   deciding which ambassador brought an order, with evidence and losing candidates
order         a shop's order in its last known state
base, kept    what bonuses count on, before and after refunds
terms         the bonus rules in force when an order was made
bonus         what a referral earns (the *wervingspremie*), with a life: held, available, refused, reversed
hold          the days between payment and the moment a bonus becomes available
reversal      taking a bonus back
posting       one booking of a bonus, in entries that sum to zero
standing      the place in a period
reason        why, as a code with its date or amount
notice        what the core wants said, as a key with data
ask, give     a message that wants something, and one that does not
score         an answer 0-10: promoter 9-10, passive 7-8, detractor 0-6; of a bonus: the sum of its signals
gate          a condition under which somebody is not asked
case          a complaint or question that a person answers
reference     a customer's words in the portfolio
voucher       credit as a single-use code, taken from the lots that expire first; reward: what credit buys
redemption    what one order took of one voucher
gift          what a friend gets; personal: a voucher of their own in which no credit lies
milestone     an extra bonus for so many approved friends
campaign      another offer between two moments
signal        what makes a bonus look suspicious, in points
goodwill      a gesture: credit that an owner gives by hand
"""

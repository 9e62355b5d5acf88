"""The section ``[fraud]``: what makes a bonus suspicious, by how much, and what an owner may give all the same."""

from __future__ import annotations

from pydantic import Field

from referrals.settings import Amount, Count, CountLimit, Limit, Percentage, Positive, Section


class Weights(Section):
    """Points of each signal; together with others at most 100. Nought: the signal is not looked at."""

    household: Percentage = 30  # the friend's order goes to the ambassador's own address
    same_name: Percentage = 40  # likewise, and both have one first name
    shared_address: Percentage = 30  # another friend of this ambassador has the same address
    shared_phone: Percentage = 40  # another friend of this ambassador has the same phone
    similar_email: Percentage = 40  # ambassador and friend have one name at two providers
    many_an_hour: Percentage = 60
    many_a_day: Percentage = 60
    mass_sign_ups: Percentage = 60
    orders_per_ip: Percentage = 60
    young_account: Percentage = 40
    leaked_code: Percentage = 100
    coupon_cycling: Percentage = 60
    refunded_friends: Percentage = 40
    circle: Percentage = 60
    refused_before: Percentage = 60


class Fraud(Section):
    """What is held for a person to look at: late, but not wrongly."""

    review_score: Positive = 60  # from so many points on it is held for review; above 100: never
    friends_per_hour: Positive = 6
    friends_per_day: Positive = 12
    sign_ups_per_day: Positive = 20
    max_orders_per_ip_per_day: Positive = 5
    leaked_code_friends: Positive = 10  # in a day who only typed the code
    young_days: Count = 7  # since somebody became an ambassador
    large_order_minor: Amount = Field(default="250.00", alias="large_order", validate_default=True)
    refunded_orders: Positive = 2  # of one friend, before the one that earns
    refunded_friends: Positive = 3  # in a month
    trusted_after: CountLimit = 10  # approved friends, none taken back; None: only an owner's word makes trusted
    goodwill_per_year_minor: Limit = Field(default="250.00", alias="goodwill_per_year", validate_default=True)
    weights: Weights = Field(default={}, validate_default=True)

"""What is owed: pure rules, the bonuses they make, and the books that hold them."""

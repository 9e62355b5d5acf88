"""What the programme brought: standings, boards, the owner's day, exports."""

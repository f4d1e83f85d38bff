"""What ideas and support share: boards, comments, follows, tags, impressions."""

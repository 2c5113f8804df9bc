"""The calendars that experts and organizations subscribe to.

`state` reads what the database holds for a feed, `entries` puts it into its reader's words,
`rendering` makes bytes of them, and `feed` tells one version of it from the next. The secret
addresses are kept by `subscriptions`.
"""

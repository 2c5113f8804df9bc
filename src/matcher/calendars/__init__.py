"""The calendars that experts, organizations and the office subscribe to.

`state` reads what the database holds for a feed, `entries` puts it into its reader's words,
`rendering` makes bytes of them, and `feed` tells one version of it from the next. `revisions` hears
of every change of what feeds show, and `shelf` keeps them until there is one. The secret addresses
are kept by `subscriptions`; `attention` tells which of them nobody reads any more.
"""

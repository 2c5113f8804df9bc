"""Sessions by mail: invitations that calendar programs understand (iTIP, RFC 5546 and 6047).

`queueing` hears of each change of a session and queues whom to tell, `letter` makes the mail,
`sending` hands it to the mail server, and `replies` reads what comes back into a mailbox.
"""

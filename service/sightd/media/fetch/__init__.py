"""Pictures by URL: every hop's name is resolved once, its addresses are checked, and the checked one is dialled."""

"""From one CT and one set of markups to numbers, with numpy and scipy only."""

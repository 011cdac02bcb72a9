"""The panels of the window: they draw what presenters decided and send on what a person did."""

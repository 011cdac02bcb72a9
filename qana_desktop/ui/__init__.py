"""The window: presenters decide, views draw. Only this package and app know Qt."""

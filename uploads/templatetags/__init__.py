"""Template tags: `{% load oss_uploads %}`."""

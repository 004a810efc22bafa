"""The daily and weekly report 日报 周报: figures asked of the running supervision, a page, and pictures of it."""

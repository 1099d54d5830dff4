"""Success figures by month: measured from what the apps know, kept, and read by pages, API and commands.

`terms` and `results` stand below the models; import the rest from its own module.
"""

"""What exported source is made of: real code, checked as all code here is, of which only what a model needs is taken.

Lines between `# if <feature>:` and `# end` are left out where a model has no use for that feature (`source.linking`).
Nothing in this folder is run by Netwright itself, but for its tests.
"""

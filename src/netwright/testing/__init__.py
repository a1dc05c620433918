"""Contract tests that every task, block and sampler must pass; plug-ins may use them too."""

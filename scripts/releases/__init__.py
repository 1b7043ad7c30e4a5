"""Release manifests, their verification, and the contract of publish targets."""

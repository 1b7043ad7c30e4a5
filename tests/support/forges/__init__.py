"""Stand-ins for GitHub and GitLab: stateful, and each request is held to the documented API."""

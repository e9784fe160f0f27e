"""The artefacts in `deploy/`: linted by `make deploy-check`; `make rollout` runs what needs no container."""

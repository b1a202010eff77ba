"""Results to other people's tools: OpenTelemetry, MLflow, Weights & Biases. Only when asked, and only where told."""

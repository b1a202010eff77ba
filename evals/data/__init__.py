"""Cases, answers and results as tables: Parquet, pandas, Hugging Face datasets. Read and written by other people's tools."""

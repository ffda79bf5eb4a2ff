"""What tests share: pictures, tiny networks, files of every kind, references."""

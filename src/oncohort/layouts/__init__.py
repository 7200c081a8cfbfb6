"""Names, columns, numberings, splits and licences of the published data sets: data, no code that reads users' files."""

"""Names, columns, numberings, splits and licences of the published data sets: data only, no code that reads files of users."""

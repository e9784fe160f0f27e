"""The driver of MySQL and MariaDB."""

from importlib.util import find_spec


def use_pymysql() -> None:
    """Let Django find PyMySQL where the package mysqlclient, which needs a compiler, is not installed.

    Django asks for the module `MySQLdb`: https://docs.djangoproject.com/en/5.2/ref/databases/#mysql-db-api-drivers.
    """
    if find_spec("MySQLdb") is None and find_spec("pymysql") is not None:
        import pymysql

        pymysql.install_as_MySQLdb()

"""The prepared tables of a study in Spark: on this machine, or on the cluster that Spark's own settings name."""

import os
import re
import shutil
import sys
import warnings
from pathlib import Path

from .settings import StudyError

ALWAYS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",     # the times of a study are those of its own clocks
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
LOCAL = {
    "spark.master": "local[*]",
    "spark.app.name": "libengage_utils",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.properties').as_uri()}",
    "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
OR_ELSE = "or leave `engine: spark` out of study.yml."


def session():
    """The Spark session there is; else one on the cluster that is named, or on this machine alone.

    A cluster is named as Spark has it: ``SPARK_REMOTE``, or ``spark.master`` in spark-defaults.conf or in
    ``PYSPARK_SUBMIT_ARGS``. Its own settings stand. On this machine Spark listens to nobody else and reports errors alone.
    Times are not shifted anywhere: the session's time zone is UTC.

    Returns
    -------
    pyspark.sql.SparkSession

    Raises
    ------
    StudyError
        If PySpark or Java is missing, or the cluster cannot be reached.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)      # of pandas 3, which is not what Spark hands over here
            from py4j.protocol import Py4JError
            from pyspark.errors import PySparkException
            from pyspark.sql import SparkSession
    except ImportError:
        raise StudyError(f'PySpark is missing, in which the study is to be opened: pip install "pyspark>=4.0", {OR_ELSE}'
                         ) from None
    options = dict(ALWAYS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            if SparkSession.getActiveSession() is None:
                options |= _begin()
            return SparkSession.builder.config(map=options).getOrCreate()
    except ImportError:
        raise StudyError('The cluster named by SPARK_REMOTE is reached by Spark Connect, of which a part is missing: pip '
                         f'install "pyspark[connect]>=4.0", {OR_ELSE}') from None
    except (PySparkException, Py4JError, OSError) as error:
        raise StudyError(f"Spark does not start ({_kind(error)}): see that Java is 17 or later (java -version) and, where a "
                         f"cluster is named, that it runs and can be reached from here, {OR_ELSE}") from None


def in_spark(path):
    """A prepared table as a PySpark frame.

    Parameters
    ----------
    path : Path
        Of its Parquet file, in a folder that all machines of the cluster see under this name.

    Raises
    ------
    StudyError
        As `session`, and where the cluster cannot read the file.
    """
    try:
        frame = session().read.parquet("file:" + re.sub(r"([\\\[\]{}*?])", r"\\\1", str(path.resolve())))
        return frame.select(frame.columns)      # of a cluster afar only the columns show that it found the file
    except StudyError:
        raise
    except Exception as error:
        raise StudyError(f"Spark cannot read the prepared table {path.stem} ({_kind(error)}): put the study into a folder "
                         f"that all machines of the cluster see under the same name, {OR_ELSE}") from None


def _begin():
    """Options for a first session here; none where a cluster is named, once it answers."""
    if _cluster_is_named():
        _wait_for_answer(os.environ.get("SPARK_REMOTE", ""))
        return {}
    if not _java():
        raise StudyError("Java is missing, on which Spark runs: install 17 or later (on Debian and Ubuntu: sudo apt install "
                         "openjdk-17-jre-headless), say where it is (JAVA_HOME), name a cluster (SPARK_REMOTE), "
                         f"{OR_ELSE}")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return LOCAL


def _cluster_is_named():
    """Whether Spark's own settings say where it runs."""
    folder = os.environ.get("SPARK_CONF_DIR") or Path(os.environ.get("SPARK_HOME", ""), "conf")
    defaults = Path(folder, "spark-defaults.conf")
    return bool({"SPARK_REMOTE", "MASTER", "PYSPARK_GATEWAY_PORT"} & set(os.environ)
                or re.search(r"--master|spark\.master", os.environ.get("PYSPARK_SUBMIT_ARGS", ""))
                or (defaults.is_file() and re.search(r"^\s*spark\.master\b", defaults.read_text(), re.MULTILINE)))


def _wait_for_answer(remote):
    """Half a minute at most, where Spark Connect alone would go on trying for ten."""
    if remote.startswith("sc://"):
        import grpc
        from pyspark.sql.connect.client import DefaultChannelBuilder

        with DefaultChannelBuilder(remote).toChannel() as channel:
            try:
                grpc.channel_ready_future(channel).result(timeout=30)
            except grpc.FutureTimeoutError:
                raise StudyError("The cluster named by SPARK_REMOTE does not answer: see that it runs and can be reached "
                                 f"from here, {OR_ELSE}") from None


def _java():
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=os.path.join(home, "bin") if home else None)


def _kind(error):
    """What went wrong in one word of Spark's; its message may hold an address or a token."""
    return getattr(error, "getCondition", lambda: None)() or type(error).__name__

"""The views for a cohort: a figure's panels and a table next to each other."""

import slicer

from LumbarHULib.mrml.cohort_nodes import CohortNodes
from LumbarHULib.mrml.follow_up_nodes import FollowUpNodes
from LumbarHULib.panel.views import OwnLayout

# In addition to the view of the reading layout.
_LAYOUT_ID = 52023
_VIEWS_IN_A_ROW, _PLOTS = 3, 5
_TABLE = "LumbarHUCohortTable"
_VIEW = (
    '<item><view class="{kind}" singletontag="{tag}"><property name="viewlabel" action="default">{label}</property>'
    "</view></item>"
)


class CohortLayout(OwnLayout):
    """Five plots and a table.

    Parameters
    ----------
    layout_id : int
        By which Slicer knows it; two parts of the panel that show it have one each.
    """

    def __init__(self, layout_id: int = _LAYOUT_ID) -> None:
        super().__init__(layout_id, _layout())

    def fill(self, cohort: CohortNodes | FollowUpNodes, figure_name: str, table_name: str) -> None:
        """Show a figure and a table of a cohort or a follow-up, where there are such."""
        figures = [figure for figure in cohort.figures if figure.name == figure_name]
        panels = figures[0].panels if figures else ()
        for number in range(_PLOTS):
            chart = cohort.chart(figure_name, panels[number]) if number < len(panels) else None
            view = _view_node(_plot_tag(number), "vtkMRMLPlotViewNode")
            if view is not None:
                view.SetPlotChartNodeID(chart.GetID() if chart is not None else "")
                if figures and figures[0].free_corner:
                    _move_legend(view, figures[0].free_corner)
        table, view = cohort.table(table_name), _view_node(_TABLE, "vtkMRMLTableViewNode")
        if view is not None:
            view.SetTableNodeID(table.GetID() if table is not None else "")


def _move_legend(view_node, corner: str) -> None:
    """Put a plot's legend where it hides nothing: the scene does not store where it belongs."""
    manager = slicer.app.layoutManager()
    for number in range(manager.plotViewCount):
        widget = manager.plotWidget(number)
        if widget.mrmlPlotViewNode() is view_node:
            legend = widget.plotView().chart().GetLegend()
            vertical, horizontal = corner.split()
            legend.SetVerticalAlignment({"upper": legend.TOP, "lower": legend.BOTTOM}[vertical])
            legend.SetHorizontalAlignment({"left": legend.LEFT, "right": legend.RIGHT}[horizontal])


def _layout() -> str:
    views = [
        _VIEW.format(kind="vtkMRMLPlotViewNode", tag=_plot_tag(number), label=str(number + 1))
        for number in range(_PLOTS)
    ]
    views.append(_VIEW.format(kind="vtkMRMLTableViewNode", tag=_TABLE, label="T"))
    rows = "".join(
        f'<item><layout type="horizontal">{"".join(row)}</layout></item>'
        for row in (views[:_VIEWS_IN_A_ROW], views[_VIEWS_IN_A_ROW:])
    )
    return f'<layout type="vertical">{rows}</layout>'


def _view_node(tag: str, class_name: str):
    return slicer.mrmlScene.GetSingletonNode(tag, class_name)


def _plot_tag(number: int) -> str:
    return f"LumbarHUCohort{number + 1}"
